// The explorer as a whole.

function explore() {
  const body = document.getElementById("explorer-body");
  if (!own) {
    body.append(make("p", {}, "No method was run: there is nothing to explore."));
    return;
  }
  state.left = firstOf(own, 0);
  state.right = firstOf(own, 1);
  body.append(...toolbar());
  takeDrops();
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
