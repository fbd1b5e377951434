// What the explorer shows.
const state = { order: [], at: 0, left: 0, right: -1, sort: "order", which: "all", class: "all", view: null, cursor: null };
const inputs = explorer && reader(explorer.inputs);
const truth = explorer && reader(explorer.truth);
const measured = explorer && reader(explorer.measured);
const similar = explorer && reader(explorer.similar);
const maps = explorer ? explorer.maps.map(reader) : [];
const shape = explorer ? explorer.inputs.shape.slice(1) : [];
const depth = shape[shape.length - 1];
const spreads = [];
let rangesOf = null; // the example whose ranges are `lanes`
let lanes = null;
const controls = {};
let panels = [];

const current = () => state.order[state.at];
const block = explorer ? explorer.block : 1;

function whole() {
  return image ? [0, shape[1], 0, shape[0]] : [-0.5, shape[0] - 0.5];
}

function wrong(example) {
  return example.label !== null && example.label !== example.predicted;
}

function pairDisagreement(example) {
  const count = explorer.explanations.length;
  return 1 - similar(example)[state.left * count + state.right];
}
