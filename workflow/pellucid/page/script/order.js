// The order of the examples, and which of them are shown.

const SORTS = {
  order: ["in the order of the results", () => 0],
  unsure: ["least confident first", (example) => example.p],
  sure: ["most confident first", (example) => -example.p],
  error: ["most wrong first (least p of the true class)", (example) => (example.error === null ? example.p_true : -example.error)],
  disagree: ["methods disagree most first", (example) => -example.disagreement],
  agree: ["methods agree most first", (example) => example.disagreement],
  pair: ["left and right disagree most first", (_, place) => (state.right < 0 ? 0 : -pairDisagreement(place))],
};

function reorder(keep) {
  const kept = current();
  const places = own.explorer.examples.map((_, place) => place).filter((place) => {
    const example = own.explorer.examples[place];
    if (state.which === "wrong" && !wrong(example)) return false;
    if (state.which === "right" && example.wrong !== false) return false;
    return state.class === "all" || String(example.label ?? example.predicted) === state.class;
  });
  const key = SORTS[state.sort][1];
  const keys = new Map(places.map((place) => [place, key(own.explorer.examples[place], place)]));
  places.sort((one, other) => keys.get(one) - keys.get(other) || one - other);
  state.order = places;
  state.at = keep ? Math.max(0, places.indexOf(kept)) : 0;
  controls.example.replaceChildren(
    ...places.map((place, position) => make("option", { value: position }, exampleName(place))),
  );
  if (places.length) controls.example.value = String(state.at);
}

function exampleName(place, { data, explorer } = own) {
  const example = explorer.examples[place];
  if (example.told !== null) return `${example.index}: ${example.told}`;
  const predicted = data.classes[example.predicted];
  const label = example.label === null ? "no label" : data.classes[example.label];
  const told = wrong(example) ? `${label}, taken for ${predicted}` : label;
  return `${example.index}: ${told} (${percent(example.p)})`;
}
