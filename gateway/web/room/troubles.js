/** Why somebody is not in a room, or not any more. */

/** @typedef {import("../troubles.js").Trouble} Trouble */

/**
 * What the server says by a code alone.
 * @type {Record<string, Trouble>}
 */
export const ROOM = {
  wrong_secret: {
    code: "wrong_secret",
    text: "This link does not fit the room: a part of it is missing or wrong. Ask for it again.",
    label: "Understood",
    act: "dismiss",
  },
  unknown_room: {
    code: "unknown_room",
    text: "There is no such room: the link is wrong, or nobody has used the room for too long.",
    label: "Understood",
    act: "dismiss",
  },
  room_ended: {
    code: "room_ended",
    text: "The room is closed: who runs it has ended it for everybody.",
    label: "Understood",
    act: "dismiss",
  },
  listen_only: {
    code: "listen_only",
    text: "This link is for listening only: ask for the link for speaking.",
    label: "Listen instead",
    act: "listen",
  },
  resume_expired: {
    code: "resume_expired",
    text: "You were away for too long; what was said meanwhile is missing here.",
    label: "Join again",
    act: "retry",
  },
};

/** A gateway that knows no rooms would have let everybody speak alone. @type {Trouble} */
export const OLD_SERVER = {
  code: "old_server",
  text: "This server is of an older release and knows no rooms: it has to be brought up to date.",
  label: "Understood",
  act: "dismiss",
};

/** @type {Trouble} */
export const NO_VOICE = {
  code: "no_voice",
  text: "You can read along but not listen: this page came over plain http, or the browser is too old.",
  label: "Understood",
  act: "dismiss",
};

/** @type {Trouble} */
export const NO_SECRET = {
  code: "no_secret",
  text: "The end of this link is missing, from the # on: ask for it again, or scan the code.",
  label: "Understood",
  act: "dismiss",
};
