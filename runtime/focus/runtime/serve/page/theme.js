// Light for the sun, dark for the night; as the device says until somebody chooses.

import { keep, kept } from "./colours.js";

const NIGHT = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button, onChange) {
  const apply = () => {
    document.documentElement.dataset.theme = kept("theme", NIGHT.matches ? "dark" : "light");
    onChange();
  };
  button.addEventListener("click", () => {
    keep("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  NIGHT.addEventListener("change", apply);
  apply();
}
