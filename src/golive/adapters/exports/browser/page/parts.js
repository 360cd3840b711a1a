// Parts: the files of the page, fetched from beside it, or unpacked where one file holds everything.

const inlined = (name) => globalThis.document?.querySelector(`script[data-part="${name}"]`);

/** Whether a part stands inside the page. */
export const isInside = (name) => inlined(name) != null;

/** Gives a file's bytes, ArrayBuffer. */
export async function bytes(name) {
  const inside = inlined(name);
  if (inside) {
    const packed = Uint8Array.from(atob(inside.textContent.trim()), (mark) => mark.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

/** Gives a JSON file's value. */
export const json = async (name) => JSON.parse(new TextDecoder().decode(await bytes(name)));
