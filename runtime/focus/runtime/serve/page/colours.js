// Colour maps, and the colours of the page.

import { COLOUR_MAPS } from "./colour-maps.js";

export const MAP_NAMES = Object.keys(COLOUR_MAPS);

/** @returns {Uint8Array} 256 x RGB */
export function colourMap(name) {
  const hex = COLOUR_MAPS[name] ?? COLOUR_MAPS[MAP_NAMES[0]];
  return Uint8Array.from({ length: 768 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

/** A colour of style.css as it is now. */
export const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const classColour = (index) => ink(`class-${index % 8}`);

/** What was chosen before on this device. */
export function kept(name, otherwise) {
  try {
    return localStorage.getItem(`focus-${name}`) ?? otherwise;
  } catch {
    return otherwise; // a browser that keeps nothing
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`focus-${name}`, value);
  } catch {
    return; // it holds until the page is closed
  }
}
