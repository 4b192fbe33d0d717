/** Shows the captions of one page in others of the same browser: a projector's window, a second screen. */

/**
 * @typedef {import("./transcript.js").Line} Line
 * @typedef {{id: number, source: Mirrored, translation: Mirrored}} Said
 * @typedef {import("./transcript.js").Caption & {dir: string}} Mirrored
 * @typedef {{type: "hello"} | {type: "said", lines: Said[], withdrawn: number[]}} Message
 */

const CHANNEL = "speechbridge.captions";
/** What a page that is opened later is shown. */
const RECENT = 6;

/** The page where somebody speaks. */
export class Mirror {
  #channel = new BroadcastChannel(CHANNEL);
  #direction;
  #transcript;

  /**
   * @param {import("./transcript.js").Transcript} transcript
   * @param {(tag: string) => string} direction
   */
  constructor(transcript, direction) {
    this.#transcript = transcript;
    this.#direction = direction;
    this.#channel.onmessage = ({ data }) => {
      if (/** @type {Message} */ (data).type === "hello") this.#post(transcript.part?.lines.slice(-RECENT) ?? [], []);
    };
  }

  /** @param {import("./transcript.js").Change} change */
  show({ changed, withdrawn }) {
    const here = changed.filter(({ id }) => this.#transcript.byId(id));
    if (here.length || withdrawn.length) this.#post(here, withdrawn);
  }

  /**
   * @param {readonly Line[]} lines
   * @param {readonly Line[]} withdrawn
   */
  #post(lines, withdrawn) {
    const said = lines.map(({ id, source, translation }) => ({
      id,
      source: { ...source, dir: this.#direction(source.language) },
      translation: { ...translation, dir: this.#direction(translation.language) },
    }));
    /** @type {Message} */
    const message = { type: "said", lines: said, withdrawn: withdrawn.map(({ id }) => id) };
    this.#channel.postMessage(message);
  }
}

/**
 * Follows the page where somebody speaks, if there is one.
 * @param {(said: Said[], withdrawn: number[]) => void} show
 */
export function follow(show) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    const message = /** @type {Message} */ (data);
    if (message.type === "said") show(message.lines, message.withdrawn);
  };
  /** @type {Message} */
  const hello = { type: "hello" };
  channel.postMessage(hello);
}
