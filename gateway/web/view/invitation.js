/** The links of a room to be handed on: to copy, and the one for listening to scan. */

import { onlyHere } from "../room/address.js";
import { qr } from "../room/api.js";
import { make } from "./dom.js";
import { drawing } from "./qr.js";
import { toast } from "./toast.js";

export class Invitation {
  #element;
  #shown = "";

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {{ listen?: string, speak: string }} links without one for listening where only the other is known */
  show({ listen, speak }) {
    if (this.#shown === speak) return;
    this.#shown = speak;
    const code = make("div", "code");
    this.#element.replaceChildren(
      ...(listen ? [code, ...link("For listening", "listen-link", listen, "Everybody who has it can listen, nobody can speak with it.")] : []),
      ...link("For speaking", "speak-link", speak, "Who has it can speak, and can end the room."),
      ...(onlyHere(location.hostname) ? [note()] : []),
    );
    if (listen) void draw(code, listen);
  }
}

/**
 * @param {HTMLElement} code
 * @param {string} text
 */
async function draw(code, text) {
  try {
    code.replaceChildren(drawing(await qr(text), "QR code of the link for listening"));
  } catch {
    code.remove(); // the link itself is there
  }
}

function note() {
  const text = `These links work on this computer only, since ${location.hostname} is what every device calls itself. `;
  return make("p", "note", `${text}Open this page under a name that others reach, over https.`);
}

/**
 * @param {string} title
 * @param {string} id
 * @param {string} url
 * @param {string} meaning
 */
function link(title, id, url, meaning) {
  const label = make("label", "field", title);
  const field = make("input");
  field.id = id;
  field.readOnly = true;
  field.value = url;
  field.addEventListener("focus", () => field.select());
  label.append(field, make("small", "", meaning));
  const button = make("button", "button quiet", "Copy");
  button.type = "button";
  button.ariaLabel = `Copy the link ${title.toLowerCase()}`;
  button.addEventListener("click", () => void copy(field));
  const row = make("div", "link-row");
  row.append(label, button);
  return [row];
}

/** @param {HTMLInputElement} field */
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast("The link is copied.");
  } catch {
    // Forbidden, or a page over plain http: it is selected, so that a key can copy it.
    toast("The link is selected: copy it with Ctrl+C.");
  }
}
