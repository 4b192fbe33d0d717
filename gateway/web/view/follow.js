/** Keeps the newest line in sight for who reads along, and never moves the page under who reads back. */

/** Distance from the bottom, in CSS pixels, within which somebody still reads along. */
const NEAR = 64;

export class Follow {
  #scroll;
  #button;
  #following = true;

  /**
   * @param {HTMLElement} scroll what scrolls
   * @param {HTMLElement} button that leads back to the newest line
   */
  constructor(scroll, button) {
    this.#scroll = scroll;
    this.#button = button;
    scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.keep()).observe(scroll);
  }

  /** The content has changed. @param {boolean} [grown] there is something new to see */
  keep(grown = false) {
    if (this.#following) this.#scroll.scrollTop = this.#scroll.scrollHeight;
    else if (grown) this.#button.hidden = false;
  }

  /** Whether somebody reads along. */
  get following() {
    return this.#following;
  }

  /** Something comes in above what is read. @param {() => void} add */
  prepend(add) {
    const below = this.#scroll.scrollHeight - this.#scroll.scrollTop;
    add();
    this.#scroll.scrollTop = this.#scroll.scrollHeight - below;
  }

  toEnd() {
    this.#following = true;
    this.#button.hidden = true;
    this.keep();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#following) this.#button.hidden = true;
  }
}
