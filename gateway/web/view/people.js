/** Who is in the room: who speaks, and how many listen in which language. */

import { make, mark } from "./dom.js";

/** @typedef {import("../room/api.js").People} PeopleNow */

export class People {
  #element;
  #language;
  #audience;
  /** @type {PeopleNow} */
  #now = { speakers: [], listeners: {} };

  /**
   * @param {HTMLElement} element
   * @param {(tag: string) => string} language its name
   * @param {{ audience: boolean }} options whether to tell who listens
   */
  constructor(element, language, { audience }) {
    this.#audience = audience;
    this.#element = element;
    this.#language = language;
  }

  /** @param {PeopleNow} now */
  show(now) {
    this.#now = now;
    const speaking = now.speakers.map((speaker) => {
      const entry = make("li", "", this.name(speaker.id));
      entry.append(make("span", "tongue", this.#tongue(speaker)));
      mark(entry, "away", speaker.away === true);
      return entry;
    });
    const listening = Object.entries(now.listeners).map(([tag, count]) => {
      const entry = make("li", "", this.#language(tag));
      entry.append(make("span", "tongue", String(count)));
      return entry;
    });
    this.#element.replaceChildren(
      list("Speaking", speaking, "nobody yet"),
      ...(this.#audience ? [list("Listening", listening, "nobody yet")] : []),
    );
  }

  /** @param {number} id of a speaker */
  name(id) {
    return this.#now.speakers.find((speaker) => speaker.id === id)?.name || `Speaker ${id}`;
  }

  /** @param {import("../protocol.js").Speaker} speaker */
  #tongue({ language, away }) {
    return away ? "away for a moment" : language === "auto" ? "any language" : this.#language(language);
  }
}

/**
 * @param {string} title
 * @param {HTMLElement[]} entries
 * @param {string} none
 */
function list(title, entries, none) {
  const all = make("ul");
  all.ariaLabel = title;
  all.append(...(entries.length ? entries : [make("li", "none", none)]));
  const side = make("div", "side");
  side.append(make("span", "role", title), all);
  return side;
}
