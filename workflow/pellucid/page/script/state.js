// What the explorer shows. The right panel may be of another page.
const state = { order: [], at: 0, left: 0, right: -1, sort: "order", which: "all", class: "all", other: null, otherAt: 0 };
const own = content.explorer && sourceOf(content);
const controls = {};
let panels = [];

const current = () => state.order[state.at];
const rightSource = () => state.other || own;

// The example that a panel shows.
function exampleAt({ source }) {
  return source === own ? current() : state.otherAt;
}

// The pages that are shown, once for all whose axes are linked.
function unlinked() {
  return state.other && state.other.axes !== own.axes ? [own, state.other] : [own];
}

function wrong(example) {
  return example.wrong === true;
}

function pairDisagreement(example) {
  const count = own.explorer.explanations.length;
  return 1 - own.similar(example)[state.left * count + state.right];
}
