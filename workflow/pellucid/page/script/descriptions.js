// What is said of an example and of a map, in words and by the bar of colours.

function facts(source, place) {
  const { data, explorer } = source;
  const example = explorer.examples[place];
  const names = example.best.map(([name, p]) => `${data.classes[name]}: ${percent(p)}`);
  const judged = example.wrong === null ? "" : wrong(example) ? "The model is wrong. " : "The model is right. ";
  const label = example.told !== null ? example.told : example.label === null ? "no label" : `true class ${data.classes[example.label]}`;
  const parts = [
    make("strong", {}, `Test example ${example.index}: ${label}. `),
    make("span", { class: wrong(example) ? "doubtful" : "" }, judged),
    `${names.length ? `Probabilities: ${names.join(", ")}. ` : ""}Explained: ${example.explained}. `,
  ];
  if (example.disagreement !== null) {
    parts.push(`The ${explorer.compared} explanations without the controls disagree by ${number(example.disagreement, 3)} `);
    parts.push("(1 less the mean rank correlation; 0: all alike, 1: unrelated, above 1: opposite)");
    if (!state.other && own.similar && state.right >= 0) parts.push(`, the two shown by ${number(pairDisagreement(place), 3)}`);
    parts.push(".");
  }
  return parts;
}

function describe(one) {
  const { data, explorer, measured, ranking } = one.source;
  const example = explorer.examples[exampleAt(one)];
  const from = one.source === own ? "" : `${one.source.experiment}: `;
  if (one.which === "input") {
    one.heading.textContent = `${from}${from ? "the" : "The"} example itself`;
    one.note.textContent = [data.channels.join(", "), ...(data.channels[0] === data.unit ? [] : [`in ${data.unit}`])].join(", ");
    one.bar.hidden = true;
    one.canvas.setAttribute("aria-label", `${from}test example ${example.index} itself`);
    return;
  }
  const { about, values, channels } = valuesOf(one);
  const seen = measured ? values.filter((_, place) => isMeasured(one, place, values.length)) : values;
  one.scale = scaleOf(seen, about.signed);
  const { low, high, top, largest } = one.scale;
  let told = about.signed ? `values from ${number(low)} to ${number(high)}` : `largest value ${number(high)}`;
  if (!largest) told = "this map is zero everywhere: it tells no part from another";
  // The page may hold a map too coarsely to see it from the values.
  else if ((about.flat ?? []).includes(exampleAt(one))) told = `this map is ${number(high)} everywhere: it tells no part from another`;
  else if (high <= 0) told += "; no value is above zero: nothing counts for what is explained";
  else if (largest > top) told += `; the colours end at ${number(top)}, the 99.5th percentile`;
  if (data.kind === "series" && channels === 1 && data.channels.length > 1) told += "; all channels have the same values";
  const failed = ranking && ranking.failed[about.label];
  one.heading.replaceChildren(
    `${from}${about.label}`,
    ...(failed ? [make("span", { class: "doubtful" }, ` ✗ failed ${failed}`)] : []),
  );
  const kind = about.family === "control" ? "a control, which does not look at the model" : about.title;
  one.note.textContent = `${kind}${about.settings ? ` (${about.settings})` : ""}; ${about.unit}: ${told}.`;
  one.canvas.setAttribute(
    "aria-label",
    `${from}${about.label} on test example ${example.index}: ${told}. Arrow keys read the values.`,
  );
  one.bar.hidden = !largest;
  if (largest) drawBar(one);
}

function isMeasured(one, place, length) {
  const known = one.source.measured(exampleAt(one));
  return known[Math.floor((place * known.length) / length)];
}

function drawBar(one) {
  const width = 280;
  const context = fit(one.bar, width, 28);
  const { steps, signed, top } = one.scale;
  steps.forEach((colour, place) => {
    context.fillStyle = colour;
    context.fillRect((place * width) / 256, 0, width / 256 + 1, 10);
  });
  context.fillStyle = getComputedStyle(document.body).color;
  context.font = "12px system-ui, sans-serif";
  const texts = signed ? [`−${number(top, 3)} against`, "0", `for ${number(top, 3)}`] : ["0", "", number(top, 3)];
  ["left", "center", "right"].forEach((align, place) => {
    context.textAlign = align;
    context.fillText(texts[place], (place * width) / 2, 24);
  });
}
