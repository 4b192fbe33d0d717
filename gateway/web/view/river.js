/** The sound itself: the voice flows in from the left, its translation leaves on the right. */

/** CSS pixels of one bar and the next; 20 ms each. */
const STEP = 4;
const BAR = 2;
const MIDDLE_GAP = 28;
/** One picture for each 40 ms of sound: 25 a second flow well enough, and leave a phone its battery. */
const EVERY = 2;

export class River {
  #canvas;
  #drawing;
  #read;
  /** @type {number[]} newest first */
  #spoken = [];
  /** @type {number[]} newest first */
  #heard = [];
  #running = 0;
  #pushed = 0;
  #still = window.matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => number} read loudness of the translation at this moment, 0 to 1
   */
  constructor(canvas, read) {
    this.#canvas = canvas;
    this.#drawing = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.#read = read;
  }

  /** 20 ms of the microphone. @param {number} level 0 to 1 */
  push(level) {
    this.#flow(this.#spoken, level);
    this.#flow(this.#heard, this.#read());
    this.#pushed += 1;
    if (this.#pushed % EVERY || this.#running || this.#still.matches) return;
    this.#running = requestAnimationFrame(() => this.#draw());
  }

  clear() {
    cancelAnimationFrame(this.#running);
    this.#running = 0;
    this.#spoken.length = this.#heard.length = 0;
    this.#drawing.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /**
   * @param {number[]} bars
   * @param {number} level
   */
  #flow(bars, level) {
    bars.unshift(level);
    bars.length = Math.min(bars.length, Math.ceil(this.#canvas.clientWidth / 2 / STEP));
  }

  #draw() {
    this.#running = 0;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = window.devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    this.#drawing.setTransform(scale, 0, 0, scale, 0, 0);
    this.#drawing.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.#canvas);
    const middle = width / 2;
    // The voice enters at the left edge and arrives at the middle, so its newest bar is the leftmost.
    this.#bars(this.#spoken, style.getPropertyValue("--speak"), (at) => at * STEP, middle - MIDDLE_GAP);
    this.#bars(this.#heard, style.getPropertyValue("--hear"), (at) => middle + MIDDLE_GAP + at * STEP, width);
  }

  /**
   * @param {number[]} bars
   * @param {string} colour
   * @param {(at: number) => number} place x of a bar
   * @param {number} end x behind the last
   */
  #bars(bars, colour, place, end) {
    const height = this.#canvas.clientHeight;
    this.#drawing.fillStyle = colour;
    bars.forEach((level, at) => {
      const x = place(at);
      if (x >= end) return;
      const tall = Math.max(1.5, Math.min(1, Math.sqrt(level) * 1.8) * (height - 6));
      this.#drawing.fillRect(x, (height - tall) / 2, BAR, tall);
    });
  }
}
