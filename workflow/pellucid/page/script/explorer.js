// The explorer as a whole.

function explore() {
  const body = document.getElementById("explorer-body");
  if (!explorer) {
    body.append(make("p", {}, "No method was run: there is nothing to explore."));
    return;
  }
  const places = explorer.explanations.map((_, place) => place);
  const wanted = ranking ? ranking.first.map((label) => places.find((place) => explorer.explanations[place].label === label)) : [];
  state.left = wanted[0] ?? 0;
  state.right = wanted[1] ?? (places.length > 1 ? places.find((place) => place !== state.left) : -1);
  explorer.examples.forEach((_, example) => {
    if (image) return;
    ranges(inputs(example)).forEach(([low, high], channel) => {
      spreads[channel] = Math.max(spreads[channel] ?? 1e-12, high - low);
    });
  });
  body.append(...toolbar());
  reorder(false);
  update();
  let waiting = 0;
  let width = body.clientWidth;
  new ResizeObserver(() => {
    if (body.clientWidth === width) return;
    width = body.clientWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(update);
  }).observe(body);
  document.getElementById("explorer").addEventListener("keydown", (event) => {
    if (/^(SELECT|INPUT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = { n: () => step(1), p: () => step(-1), m: () => stepMethod(1), M: () => stepMethod(-1) };
    if (actions[event.key]) actions[event.key]();
  });
}
