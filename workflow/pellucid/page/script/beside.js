// Another experiment beside this one: its page is a file that the reader chooses or drops here.

const MOST_BYTES = 50_000_000;

async function readBeside(file) {
  try {
    if (file.size > MOST_BYTES) throw new Refused("it is larger than a page can be");
    showBeside(sourceOf(contentOf(await file.text())));
    say(`${state.other.experiment} is shown beside ${own.experiment}.`);
  } catch (error) {
    const reason = error instanceof Refused ? error.message : "it cannot be read";
    controls.refused.textContent = `${file.name} is not shown: ${reason}.`;
  }
}

// Shows a page's explanations in the right panel; null: those of this page again.
function showBeside(source) {
  state.other = source;
  state.matches = new Map();
  state.followed = null;
  state.otherAt = 0;
  state.right = source ? firstOf(source, 0) : firstOf(own, 1);
  if (source) {
    source.axes = whyUnlinked(source) ? source.axes : own.axes;
    const option = (_, place) => make("option", { value: place }, exampleName(place, source));
    controls.beside.replaceChildren(...source.explorer.examples.map(option));
    // How much two methods disagree is known of this page's methods alone.
    if (state.sort === "pair") state.sort = controls.sort.value = "order";
  }
  for (const option of controls.sort.options) option.disabled = Boolean(source) && option.value === "pair";
  controls.right.replaceChildren(...methodOptions(rightSource(), true));
  controls.right.value = String(state.right);
  controls.refused.textContent = "";
  controls.besideLabel.hidden = controls.alone.hidden = !source;
  reorder(true);
  update();
}

// Why the panels do not show the same stretch; "" if they do.
function whyUnlinked(other) {
  const sizes = ({ shape, block }) => `${shape.join(" × ")}${block > 1 ? `, means of ${block}` : ""}`;
  const rate = ({ data }) => (data.rate ? `${number(data.rate)} Hz` : "unknown");
  if (own.image !== other.image) return "one has images, the other series";
  if (sizes(own) !== sizes(other)) return `their examples have other shapes (${sizes(own)} and ${sizes(other)})`;
  if (rate(own) !== rate(other)) return `their sampling rates differ (${rate(own)} and ${rate(other)})`;
  return "";
}

// The place of this page's example in the other page, found by its values; -1 if it is not there.
function sameExample(place) {
  if (String(own.shape) !== String(state.other.shape) || own.block !== state.other.block) return -1;
  if (state.matches.has(place)) return state.matches.get(place);
  const values = own.inputs(place);
  // Half a step of each page, if its values are rounded.
  const step = ({ explorer: { inputs } }, at) => (inputs.dtype === "float32" ? 0 : 0.51 * inputs.scale[at]);
  const match = state.other.explorer.examples.findIndex((_, at) => {
    const [theirs, most] = [state.other.inputs(at), step(own, place) + step(state.other, at)];
    return values.every((value, index) => Math.abs(value - theirs[index]) <= most);
  });
  state.matches.set(place, match);
  return match;
}

// Where the other page has the example of the left panel, the right panel follows it.
function follow() {
  if (!state.other || state.followed === current() || !state.order.length) return;
  state.followed = current();
  const match = sameExample(current());
  if (match >= 0) state.otherAt = match;
  controls.beside.value = String(state.otherAt);
}

function describeBeside(nothing) {
  controls.about.hidden = !state.other;
  if (!state.other || nothing) return;
  const reason = whyUnlinked(state.other);
  const same = sameExample(current()) === state.otherAt;
  const rounded = state.other.explorer.dtype === "float32" ? "" : "Its values are rounded. ";
  controls.about.replaceChildren(
    make("strong", {}, `Beside it, from the page of ${state.other.experiment}: `),
    same ? "the same example. " : "another example. ",
    ...facts(state.other, state.otherAt),
    ` ${rounded}${reason ? `The panels are not linked: ${reason}.` : "Both panels show the same stretch."}`,
    " Summary, tables and methods text are of this page alone.",
  );
}

function besideControls() {
  const input = make("input", { type: "file", accept: ".html,text/html", hidden: true, id: "other-page", "aria-label": "Page of another experiment" });
  input.addEventListener("change", () => {
    if (input.files.length) readBeside(input.files[0]);
    input.value = "";
  });
  const [label, select] = chooser("Its example", [], 0, (value) => {
    state.otherAt = Number(value);
    update();
  });
  select.id = "choose-beside";
  controls.beside = select;
  controls.besideLabel = label;
  controls.alone = make("button", { type: "button", onclick: () => showBeside(null) }, "This page alone");
  controls.besideLabel.hidden = controls.alone.hidden = true;
  controls.refused = make("span", { class: "doubtful", role: "alert", id: "refused" });
  controls.about = make("p", { class: "facts", id: "beside", "aria-live": "polite", hidden: true });
  const open = make("button", { type: "button", onclick: () => input.click() }, "Compare with another page …");
  return make("div", { class: "controls buttons" }, open, input, controls.besideLabel, controls.alone, controls.refused);
}

// A file that is dropped anywhere on the page is read, and does not replace it.
function takeDrops() {
  const hasFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (hasFile(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) readBeside(event.dataTransfer.files[0]);
  });
}
