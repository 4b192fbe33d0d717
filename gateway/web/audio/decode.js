/** Makes of a file that somebody drops what the gateway wants: PCM s16 mono 16 kHz. */

import { SPEECH_RATE } from "./framer.js";

/** The browser decodes a whole file into memory: 3 h of speech take 700 MB while it does. */
const MOST_BYTES = 2 ** 30;
const MOST_SECONDS = 3 * 3600;

/** Says in its message what is wrong with the file, and what to do. */
export class FileError extends Error {
  name = "FileError";
}

/**
 * @param {File} file any sound or video that the browser can read
 * @returns {Promise<Int16Array>} mono 16 kHz
 * @throws {FileError} it is none, or too long
 */
export async function decode(file) {
  if (file.size > MOST_BYTES) throw new FileError(`${file.name} is larger than 1 GB: cut it into parts.`);
  const buffer = await sound(file);
  if (buffer.duration > MOST_SECONDS) throw new FileError(`${file.name} is longer than 3 hours: cut it into parts.`);
  return pcm16(mono(buffer));
}

/**
 * @param {File} file
 * @returns {Promise<AudioBuffer>}
 */
async function sound(file) {
  try {
    // The decoder resamples to the rate of its context, which never renders anything here.
    return await new OfflineAudioContext(1, 1, SPEECH_RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new FileError(`${file.name} holds no sound that this browser can read: try a WAV or MP3 file.`);
  }
}

/** @param {AudioBuffer} buffer */
function mono(buffer) {
  const mixed = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < mixed.length; i++) mixed[i] += samples[i] / buffer.numberOfChannels;
  }
  return mixed;
}

/** @param {Float32Array} samples */
function pcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < pcm.length; i++) {
    pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  }
  return pcm;
}
