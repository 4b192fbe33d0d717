/** Where a room is: in the path its name, in the fragment its secrets, which no browser sends to any server. */

/**
 * `invitation` is the secret for listening, which a speaker's link may carry along to be handed on.
 * @typedef {{ room: string, secret: string, invitation?: string }} Address
 */

const LISTEN = "&listen=";

/**
 * @param {{ pathname: string, hash: string }} page of `/r/ROOM#SECRET` or `/r/ROOM/speak#SECRET`, below any path
 * @returns {Address}
 */
export function ofPage({ pathname, hash }) {
  const [, room = ""] = pathname.match(/\/r\/([^/]+)(?:\/speak)?\/?$/) ?? [];
  return { room: decodeURIComponent(room), ...secretsIn(hash) };
}

/** @param {string} hash as in `location` */
export function secretsIn(hash) {
  const [secret, invitation] = hash.replace(/^#/, "").split(LISTEN);
  return { secret, invitation: invitation || undefined };
}

/**
 * The link for listening.
 * @param {URL} root of this server
 * @param {string} room
 * @param {string} secret for listening
 */
export function listenLink(root, room, secret) {
  return new URL(`r/${encodeURIComponent(room)}#${secret}`, root).href;
}

/**
 * The link for speaking.
 * @param {URL} root of this server
 * @param {Address} address
 */
export function speakLink(root, { room, secret, invitation }) {
  const along = invitation ? `${LISTEN}${invitation}` : "";
  return new URL(`r/${encodeURIComponent(room)}/speak#${secret}${along}`, root).href;
}

/**
 * Whether a link with this host leads others nowhere, because each device calls itself so.
 * @param {string} hostname
 */
export function onlyHere(hostname) {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
