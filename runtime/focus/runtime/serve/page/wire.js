// Rows of the strip, as the server packs them (see _wire.py).

/** @returns {Promise<{number: number, segment: number, cube: number | null, lines: number, pixels: Uint8Array, heat: Float32Array}[]>} the
 * oldest kept rows after a given one; lines are those of the thinned picture, RGBA, width pixels each */
export async function fetchRows(after, width, columns) {
  const answer = await fetch(`api/rows?after=${after}`);
  if (!answer.ok) throw new Error(`rows: ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  const length = new DataView(bytes).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  let at = 4 + length;
  const rows = head.rows.map((number, index) => {
    const lines = head.lines[index];
    const pixels = new Uint8Array(bytes, at, lines * width * 4);
    at += pixels.length;
    return { number, segment: head.segments[index], cube: head.cubes[index], lines, pixels };
  });
  for (const row of rows) {
    row.heat = new Float32Array(bytes, at, columns);
    at += columns * 4;
  }
  return rows;
}
