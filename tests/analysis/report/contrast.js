// Returns every text that stands out from its background by less than 4.5 : 1, with the ratio.
() => {
  const parse = (colour) => {
    const canvas = parse.canvas ||= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    throw new Error("the page has no background");
  };
  const cellBehind = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    for (const mark of text.closest("svg").querySelectorAll(".marks-of-rows > path")) {
      const area = mark.getBoundingClientRect();
      if (area.width > 8 && x > area.x && x < area.right && y > area.y && y < area.bottom) {
        return parse(getComputedStyle(mark).fill);
      }
    }
    return null;
  };
  for (const part of document.querySelectorAll("details")) part.open = true;
  const found = [];
  let count = 0;
  for (const element of document.querySelectorAll("body *:not(script):not(style)")) {
    if (element.closest("#tip, .hidden, .skip")) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!own || element.tagName === "title") continue;
    const isDrawn = element.closest("svg") !== null;
    const ink = parse(isDrawn ? getComputedStyle(element).fill : getComputedStyle(element).color);
    const ground = (isDrawn && cellBehind(element)) || behind(isDrawn ? element.closest("div") : element);
    count += 1;
    const value = ratio(ink, ground);
    if (value < 4.5) found.push(`${element.tagName} '${element.textContent.slice(0, 30)}' ${value.toFixed(2)}`);
  }
  return { count, found };
}
