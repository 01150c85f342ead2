// The texts of everything visible that looks like an error, shadow trees included. Its value is a list of texts.
(() => {
  const marked = '[role="alert"], [class*="error"], [class*="danger"]';
  // Buttons that remove things are red as well, and a log shows what it shows.
  const elsewhere = 'button, a, label, option, [role="menuitem"], [class*="log-"], [class*="logs-"]';
  const words = /unknown method|INVALID_REQUEST|UNAVAILABLE|unexpected property|something went wrong/;
  const failed = /fail|error|could not|unable|invalid|denied|refused/i;
  const texts = new Set();
  const visit = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) visit(element.shadowRoot);
      if (element.closest(elsewhere)) continue;
      const isToast = element.matches(".app-toast") && failed.test(element.textContent);
      const isMarked = isToast || (element.matches(marked) && !element.closest(".app-toast"));
      const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent);
      if (!isMarked && !words.test(own.join(" "))) continue;
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      // biome-ignore lint/performance/useDomNodeTextContent: what is hidden does not count
      const text = (isMarked ? element.innerText : own.join(" ")).replace(/\s+/g, " ").trim();
      if (text !== "") texts.add(text.slice(0, 300));
    }
  };
  visit(document);
  return [...texts];
})();
