// Shows what Python has drawn, and has the Stop button. Nothing is loaded from elsewhere.

const ACKNOWLEDGED_WITHIN_MS = 5000;

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "benchlab-live-widget";
  const picture = document.createElement("div");
  const button = document.createElement("button");
  button.type = "button";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  root.append(picture, button, said);
  el.append(root);

  let isPressed = false;
  let waiting;

  // One assignment, so that the browser paints old and new states only; and none in a hidden tab.
  function draw() {
    if (!document.hidden && model.get("html") !== draw.drawn) {
      draw.drawn = model.get("html");
      picture.innerHTML = draw.drawn;
    }
  }

  function drawButton() {
    const state = model.get("stop_state");
    if (state === "none") {
      isPressed = false; // the next measurement in the same place
    }
    const isStopping = isPressed || state === "stopping";
    if (state === "stopping") {
      clearTimeout(waiting);
      said.textContent = "";
    }
    button.hidden = state === "none" || state === "ended";
    button.disabled = isStopping;
    button.textContent = isStopping ? "stopping …" : "Stop";
    button.title = isStopping
      ? "Open requests are finished, and what was measured is kept."
      : "End early: what was measured so far is the result.";
    button.setAttribute("aria-label", isStopping ? "stopping" : model.get("stop_label"));
  }

  function press() {
    isPressed = true;
    drawButton();
    model.send({ kind: "stop" });
    waiting = setTimeout(() => {
      isPressed = false;
      said.textContent = "The kernel has not responded: interrupt it, or call stop() of the run.";
      drawButton();
    }, ACKNOWLEDGED_WITHIN_MS);
  }

  model.on("change:html", draw);
  model.on("change:stop_state", drawButton);
  document.addEventListener("visibilitychange", draw);
  button.addEventListener("click", press);
  draw();
  drawButton();
  return () => {
    clearTimeout(waiting);
    model.off("change:html", draw);
    model.off("change:stop_state", drawButton);
    document.removeEventListener("visibilitychange", draw);
  };
}

export default { render };
