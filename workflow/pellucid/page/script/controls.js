// What the reader chooses.

function chooser(label, options, value, change) {
  const select = make("select", { onchange: () => change(select.value) }, ...options);
  select.value = String(value);
  return [make("label", {}, `${label} `, select), select];
}

function methodOptions({ explorer, ranking }, none) {
  const groups = new Map();
  explorer.explanations.forEach(({ label, family }, place) => {
    const first = ranking && ranking.first.includes(label) ? "★ " : "";
    const failed = ranking && ranking.failed[label] && family !== "control" ? " ✗" : "";
    const group = groups.get(family) || make("optgroup", { label: family });
    groups.set(family, group);
    group.append(make("option", { value: place }, `${first}${label}${failed}`));
  });
  return [...(none ? [make("option", { value: -1 }, "nothing")] : []), ...groups.values()];
}

function step(by) {
  if (!state.order.length) return;
  state.at = (state.at + by + state.order.length) % state.order.length;
  controls.example.value = String(state.at);
  update();
  say(exampleName(current()));
}

function stepMethod(by) {
  state.left = (state.left + by + own.explorer.explanations.length) % own.explorer.explanations.length;
  controls.left.value = String(state.left);
  changedMethod();
  say(own.explorer.explanations[state.left].label);
}

function changedMethod() {
  if (state.sort === "pair") reorder(true);
  update();
}

function toolbar() {
  const { data, explorer, image, ranking, similar, truth } = own;
  const { examples } = explorer;
  const count = (test) => examples.filter(test).length;
  const labelled = examples.some(({ label }) => label !== null);
  const sorts = Object.entries(SORTS).filter(([name]) => {
    if (name === "error") return labelled;
    if (name === "sure" || name === "unsure") return examples.some(({ p }) => p !== null);
    if (name === "pair") return similar && explorer.explanations.length > 1;
    return !/agree/.test(name) || examples.some(({ disagreement }) => disagreement !== null);
  });
  const option = ([value, text]) => make("option", { value }, text);
  const classes = [...new Set(examples.map(({ label, predicted }) => label ?? predicted))].sort((a, b) => a - b);
  const refilter = (key) => (value) => {
    state[key] = value;
    reorder(false);
    update();
  };
  const rows = [
    chooser("Sort", sorts.map(([name, [text]]) => option([name, text])), "order", refilter("sort")),
    chooser("Show", [
      ["all", `all (${examples.length})`],
      ["wrong", `wrong ones (${count(wrong)})`],
      ["right", `right ones (${count((one) => one.wrong === false)})`],
    ].map(option), "all", refilter("which")),
    chooser(data.word[0].toUpperCase() + data.word.slice(1), [["all", "all"], ...classes.map((name) => [name, data.classes[name]])].map(option), "all", refilter("class")),
    chooser("Example", [], 0, (value) => {
      state.at = Number(value);
      update();
    }),
    chooser(image ? "Method" : "First method", methodOptions(own, false), state.left, (value) => {
      state.left = Number(value);
      changedMethod();
    }),
    chooser("Beside it", methodOptions(own, true), state.right, (value) => {
      state.right = Number(value);
      changedMethod();
    }),
  ];
  [[, controls.sort], , , [, controls.example], [, controls.left], [, controls.right]] = rows;
  ["sort", "which", "class", "example", "left", "right"].forEach((name, place) => {
    rows[place][1].id = `choose-${name}`;
  });
  const button = (text, label, action) => make("button", { type: "button", "aria-label": label, title: label, onclick: action }, text);
  controls.panels = make("div", { class: "panels" });
  controls.facts = make("p", { class: "facts", "aria-live": "polite" });
  const [sort, which, classChoice, example, left, right] = rows.map(([label]) => label);
  const marks = ranking ? "★: to look at first. ✗: failed a check. " : "";
  const evidence = truth ? (image ? "Green frame: where the evidence was planted. " : "Green bar: where the evidence was planted. ") : "";
  const rounded = explorer.dtype === "float32" ? "" : "Values are rounded, so that the page stays small: each to a share of its map's largest value (1/127 for int8, 1/32767 for int16). ";
  return [
    make("div", { class: "controls" }, sort, which, classChoice),
    make("div", { class: "controls" }, example,
      make("span", { class: "buttons" }, button("‹", "Previous example (p)", () => step(-1)), button("›", "Next example (n)", () => step(1))),
      left, right),
    besideControls(),
    make("div", { class: "controls buttons" },
      button("+", "Zoom in (+)", () => zoom(1 / WHEEL ** 2)), button("−", "Zoom out (-)", () => zoom(WHEEL ** 2)),
      button("←", "Move left", () => pan(-0.5)), button("→", "Move right", () => pan(0.5)),
      button("all", "Show all (0)", () => zoom(0)),
      make("details", {}, make("summary", {}, "Mouse and keyboard"),
        make("p", {}, "Point at a panel to read its values; drag to zoom in; double-click to see all again; Ctrl and the wheel zoom. ",
          "Keys in a panel: arrows read the values (Shift: ten at a time), + and − zoom, 0 shows all, Escape ends. ",
          "n and p: next and previous example; m and M: next and previous method. Both panels show the same stretch where their examples have the same shape."))),
    controls.facts,
    controls.about,
    controls.panels,
    make("p", { class: "quiet" }, `${marks}${evidence}${rounded}Each map has its own colour scale, with the same colours as the figures.`),
  ];
}
