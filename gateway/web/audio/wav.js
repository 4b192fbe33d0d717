/**
 * Speech as a WAV file, for the page's downloads.
 */

const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;

/**
 * A WAV file of mono PCM.
 * @param {Int16Array} pcm
 * @param {number} rate Hz
 */
export function wav(pcm, rate) {
  const bytes = pcm.length * SAMPLE_BYTES;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + bytes));
  ascii(view, 0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + bytes, true);
  ascii(view, 8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format that follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * SAMPLE_BYTES, true);
  view.setUint16(32, SAMPLE_BYTES, true);
  view.setUint16(34, SAMPLE_BYTES * 8, true);
  ascii(view, 36, "data");
  view.setUint32(40, bytes, true);
  for (let i = 0; i < pcm.length; i++) view.setInt16(HEADER_BYTES + i * SAMPLE_BYTES, pcm[i], true);
  return view.buffer;
}

/**
 * The speech of all segments on one timeline, silence between them. A piece begins where the original one
 * does, or later, when the one before is over.
 * @param {readonly {startMs: number, pcm: Int16Array}[]} pieces in spoken order
 * @param {number} rate Hz
 */
export function track(pieces, rate) {
  let end = 0;
  const starts = pieces.map(({ startMs, pcm }) => {
    const start = Math.max(end, Math.floor((startMs * rate) / 1000));
    end = start + pcm.length;
    return start;
  });
  const joined = new Int16Array(end);
  pieces.forEach(({ pcm }, i) => joined.set(pcm, starts[i]));
  return joined;
}

/**
 * @param {DataView} view
 * @param {number} offset
 * @param {string} text
 */
function ascii(view, offset, text) {
  for (let i = 0; i < text.length; i++) view.setUint8(offset + i, text.charCodeAt(i));
}
