(start) => {
  // Notes the texts of elements that begin with what is given, each time they change, shadow trees included.
  const watch = { seen: [] };
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      // biome-ignore lint/performance/useDomNodeTextContent: what is hidden does not count
      const text = (element.innerText ?? "").trim();
      if (text.startsWith(start) && !watch.seen.includes(text)) watch.seen.push(text);
    }
  };
  const turn = () => {
    look(document);
    requestAnimationFrame(turn);
  };
  turn();
  return watch;
};
