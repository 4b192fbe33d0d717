/**
 * The protocol `bridge.v1` as bytes, for the page: text frames both ways, audio frames from the gateway.
 *
 * The page sends its audio as bare PCM, so there is nothing to pack.
 */

import { SERVER_TYPES } from "./protocol.js";

/** @typedef {import("./protocol.js").ServerMessage} ServerMessage */
/** @typedef {import("./protocol.js").ClientMessage} ClientMessage */

/**
 * One binary frame: speech of `segment` in the target with the index `target` that `audio.start` announced,
 * beginning `offset` samples into it; `last` marks its end. `pcm` has a buffer of its own.
 * @typedef {{ seq: number, segment: number, target: number, offset: number, last: boolean,
 *   pcm: Int16Array }} AudioFrame
 */

export const SUBPROTOCOL = "bridge.v1";
export const PROTOCOL = 1;

const HEADER_BYTES = 16;
const SAMPLE_BYTES = 2;
const AUDIO_VERSION = 1;
const PCM16 = 1;
const LAST = 1;

/** A frame that is not what docs/protocol.md says. */
export class WireError extends Error {
  name = "WireError";
  code = "bad_audio_frame";
}

/**
 * What stands in one binary frame; flags of later releases are ignored.
 * @param {ArrayBuffer} buffer
 * @returns {AudioFrame}
 * @throws {WireError} the frame is cut short, or of another version or codec
 */
export function unpackAudio(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < HEADER_BYTES) {
    throw new WireError(`The audio frame has ${view.byteLength} bytes, a header alone ${HEADER_BYTES}.`);
  }
  const version = view.getUint8(0);
  if (version !== AUDIO_VERSION) {
    throw new WireError(`The audio frame has version ${version}, this page reads version ${AUDIO_VERSION}.`);
  }
  const codec = view.getUint8(1);
  if (codec !== PCM16) {
    throw new WireError(`The audio frame has codec ${codec}, this page plays codec ${PCM16} (PCM).`);
  }
  return {
    last: (view.getUint8(2) & LAST) !== 0,
    target: view.getUint8(3),
    seq: view.getUint32(4, true),
    segment: view.getUint32(8, true),
    offset: view.getUint32(12, true),
    pcm: samples(view),
  };
}

/**
 * The samples behind the header. They are read one by one: an Int16Array upon the frame would have the byte
 * order of the machine and an even start only, and would take the header along to the audio thread.
 * @param {DataView} view
 */
function samples(view) {
  const bytes = view.byteLength - HEADER_BYTES;
  if (bytes % SAMPLE_BYTES !== 0) {
    throw new WireError(`The audio frame has ${bytes} bytes of PCM, so it ends inside a sample.`);
  }
  const pcm = new Int16Array(bytes / SAMPLE_BYTES);
  for (let i = 0; i < pcm.length; i++) {
    pcm[i] = view.getInt16(HEADER_BYTES + i * SAMPLE_BYTES, true);
  }
  return pcm;
}

/**
 * The message in one text frame; undefined for what a client has to ignore: types of a newer server, and
 * what is no JSON object.
 * @param {string} text
 * @returns {ServerMessage | undefined}
 */
export function decode(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  return SERVER_TYPES.has(message?.type) ? message : undefined;
}

/**
 * One text frame.
 * @param {ClientMessage} message
 */
export function encode(message) {
  return JSON.stringify(message);
}
