// What is seen, as one PNG, made in the browser.

import { ink } from "./colours.js";

const EDGE = 16, HEAD = 64;

/**
 * @param {HTMLCanvasElement[][]} rows canvases side by side, row below row
 * @param {string[]} words a title and a line below it
 */
export async function saveSnapshot(rows, words) {
  const ratio = window.devicePixelRatio || 1;
  const wide = rows[0][0].width;
  const shares = rows.map((row) => row.map((canvas) => ({ canvas, width: (wide - (row.length - 1) * EDGE * ratio) / row.length })));
  const heights = shares.map((row) => Math.max(...row.map(({ canvas, width }) => (canvas.height * width) / canvas.width)));
  const picture = document.createElement("canvas");
  picture.width = wide + 2 * EDGE * ratio;
  picture.height = heights.reduce((sum, height) => sum + height + EDGE * ratio, HEAD * ratio);
  const context = picture.getContext("2d");
  context.fillStyle = ink("panel");
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = ink("ink");
  words.forEach((text, index) => {
    context.font = `${index ? "" : "600 "}${(index ? 13 : 17) * ratio}px system-ui, sans-serif`;
    context.fillText(text, EDGE * ratio, (26 + 22 * index) * ratio, wide);
  });
  let y = HEAD * ratio;
  shares.forEach((row, index) => {
    row.forEach(({ canvas, width }, column) => {
      const height = (canvas.height * width) / canvas.width;
      context.drawImage(canvas, (EDGE + column * EDGE) * ratio + column * width, y, width, height);
    });
    y += heights[index] + EDGE * ratio;
  });
  const blob = await new Promise((done) => picture.toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `focus-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}Z.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
