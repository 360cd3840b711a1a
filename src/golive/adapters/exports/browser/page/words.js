// Words: every sentence of the page, in English and in Chinese.

const ENGLISH = {
  predicts: (target) => `Predicts ${target}. It runs in this browser: nothing that you enter leaves this page.`,
  runs: "Runs in this browser: nothing that you enter leaves this page.",
  loading: "Loading the model and its runtime …",
  failed: (reason) => `The model could not be opened: ${reason}`,
  input: "Input",
  answer: "Answer",
  example: "Example",
  another: "Another example",
  find: "Find a field",
  erase: "Erase",
  draw: "Draw here",
  drawAbout: (rows, columns) => `Draw with a finger, a pen or the mouse. The model reads ${rows} × ${columns} cells.`,
  read: "What the model reads",
  fit: "Fit the drawing to the frame",
  numbers: (count) => `The ${count} numbers behind it`,
  seen: (low, high) => `${low} to ${high} in training`,
  optional: "may be left empty",
  date: "date or time",
  missing: "— not known —",
  unseen: "— another value —",
  yes: "yes",
  no: "no",
  slider: (name) => `${name}, as a slider`,
  probability: (label, share) => `${label}: ${share}`,
  threshold: (label, share) => `${label} is answered above ${share}.`,
  took: (ms) => `${ms} ms a prediction on this device`,
  check: "Is this page right?",
  checkAbout: (count) =>
    `parity.json holds ${count} rows with the answers that golive gives, many of them made to break a conversion.`,
  run: "Check",
  running: "Checking …",
  checked: (rows) => `${rows} rows checked`,
  right: "The same answers as golive",
  wrong: "Not the same answers as golive",
  largest: "greatest difference",
  relative: "relative to values above 1",
  absolute: "of a probability or value",
  flipped: "other decisions",
  prepared: "inputs prepared otherwise",
  row: "worst row",
  tensors: "Each tensor as nested lists of JSON.",
  shape: (shape, dtype) => `${dtype} [${shape}]`,
  ask: "Predict",
  badJson: (name, reason) => `${name} is not what the model reads: ${reason}`,
  offline: "Works offline once it is loaded.",
  notANumber: (field) => `${field} is a number; write one such as 12.5.`,
  notFinite: (field) => `${field} must be finite.`,
  isMissing: (field) => `${field} is missing, and the model knows no answer for that.`,
  outOfRange: (field, { low, high }) => `${field} must be from ${low} to ${high}.`,
  notADate: (field) => `${field} is no date; write 2011-07-25 or 2011-07-25T13:00:00.`,
  tooLong: (field, { found, most }) => `${field} has ${found} characters, and the model reads at most ${most}.`,
};

const CHINESE = {
  predicts: (target) => `预测 ${target}。模型在本浏览器中运行，您输入的内容不会离开此页面。`,
  runs: "模型在本浏览器中运行，您输入的内容不会离开此页面。",
  loading: "正在加载模型及其运行时 …",
  failed: (reason) => `无法打开模型：${reason}`,
  input: "输入",
  answer: "结果",
  example: "示例",
  another: "换一个示例",
  find: "查找字段",
  erase: "清除",
  draw: "在此绘制",
  drawAbout: (rows, columns) => `用手指、触控笔或鼠标绘制。模型读取 ${rows} × ${columns} 个格子。`,
  read: "模型读到的内容",
  fit: "将图形放大到画框",
  numbers: (count) => `对应的 ${count} 个数字`,
  seen: (low, high) => `训练数据范围 ${low} 至 ${high}`,
  optional: "可以留空",
  date: "日期或时间",
  missing: "— 未知 —",
  unseen: "— 其他值 —",
  yes: "是",
  no: "否",
  slider: (name) => `${name}，滑块`,
  probability: (label, share) => `${label}：${share}`,
  threshold: (label, share) => `概率高于 ${share} 时判为 ${label}。`,
  took: (ms) => `在此设备上每次预测 ${ms} 毫秒`,
  check: "此页面的结果正确吗？",
  checkAbout: (count) => `parity.json 含 ${count} 行数据及 golive 给出的答案，其中许多行专为检验转换而构造。`,
  run: "检验",
  running: "正在检验 …",
  checked: (rows) => `已检验 ${rows} 行`,
  right: "与 golive 的答案一致",
  wrong: "与 golive 的答案不一致",
  largest: "最大差异",
  relative: "相对差异",
  absolute: "概率或数值之差",
  flipped: "不同的判定",
  prepared: "预处理不同的输入",
  row: "差异最大的行",
  tensors: "每个张量写成 JSON 嵌套列表。",
  shape: (shape, dtype) => `${dtype} [${shape}]`,
  ask: "预测",
  badJson: (name, reason) => `${name} 不符合模型的输入：${reason}`,
  offline: "加载后可离线使用。",
  notANumber: (field) => `${field} 应为数字，例如 12.5。`,
  notFinite: (field) => `${field} 必须是有限的数。`,
  isMissing: (field) => `缺少 ${field}，模型无法在缺少它时作答。`,
  outOfRange: (field, { low, high }) => `${field} 必须在 ${low} 至 ${high} 之间。`,
  notADate: (field) => `${field} 不是日期；请写成 2011-07-25 或 2011-07-25T13:00:00。`,
  tooLong: (field, { found, most }) => `${field} 有 ${found} 个字符，模型最多读取 ${most} 个。`,
};

const asked = new URLSearchParams(globalThis.location?.search ?? "").get("lang");

/** "en" or "zh": what the address says, else the first of the browser's languages that this page speaks. */
export const LANGUAGE =
  [asked, ...(globalThis.navigator?.languages ?? [])].map((tag) => (tag ?? "").slice(0, 2)).find((tag) => tag === "en" || tag === "zh") ?? "en";

/** Both languages, sentence by sentence. */
export const SENTENCES = { en: ENGLISH, zh: CHINESE };

export const WORDS = SENTENCES[LANGUAGE];

const LOCALE = LANGUAGE === "zh" ? "zh-CN" : "en";

/** Writes a number for people: six digits that matter. */
export function shown(number) {
  if (!Number.isFinite(number)) return String(number);
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return number.toExponential(3);
  return new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: size >= 1e6 ? 9 : 6, useGrouping: "min2" }).format(number);
}

/** Writes a share for people. */
export function share(number) {
  const digits = number > 0.999 && number < 1 ? 2 : 1;
  return new Intl.NumberFormat(LOCALE, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: digits }).format(number);
}
