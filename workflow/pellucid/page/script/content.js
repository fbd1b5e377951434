// What the page holds.
const content = JSON.parse(document.getElementById("content").textContent);
const { colours } = content;
const LANES = 24; // channels with a trace of their own; more become rows of colour
const WHEEL = 1.25;
const SPIKE = 1.5; // a value this many times the 99.5th percentile is one
