/** The page on which a room is started: its name, then its links. */

import { Preferences, storage } from "./preferences.js";
import { listenLink, speakLink } from "./room/address.js";
import { open, Refused, ROOT } from "./room/api.js";
import { Banner } from "./view/banner.js";
import { byId } from "./view/dom.js";
import { dress } from "./view/look.js";
import { Invitation } from "./view/invitation.js";

const create = byId("create", HTMLButtonElement);
const title = byId("title", HTMLElement);
const banner = new Banner(() => void start());
const invitation = new Invitation(byId("links", HTMLElement));

async function start() {
  create.disabled = true;
  banner.show(undefined);
  try {
    show(await open(byId("name", HTMLInputElement).value.trim()));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    banner.show(error.trouble);
  } finally {
    create.disabled = false;
  }
}

/** @param {import("./room/api.js").Opened} opened */
function show(opened) {
  const { room, name, listen, speak } = opened;
  // For who comes back to this page, or loads it again.
  history.replaceState(opened, "");
  const mine = speakLink(ROOT, { room, secret: speak.secret, invitation: listen.secret });
  title.textContent = name || "The room is open";
  invitation.show({ listen: listenLink(ROOT, room, listen.secret), speak: mine });
  byId("speak", HTMLAnchorElement).href = mine;
  byId("begin", HTMLElement).hidden = true;
  byId("opened", HTMLElement).hidden = false;
  title.focus();
}

dress(new Preferences(storage()).choices);
byId("open", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void start();
});
create.disabled = false;
if (history.state) show(history.state);
