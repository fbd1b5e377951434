// What the page holds.
const content = JSON.parse(document.getElementById("content").textContent);
const { data, colours, explorer, ranking } = content;
const image = data.kind === "image";
const LANES = 24; // channels with a trace of their own; more become rows of colour
const WHEEL = 1.25;
