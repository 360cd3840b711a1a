// Dates: an ISO 8601 text in, its parts out, as Python's datetime.fromisoformat reads it (3.11).

const DAY_MS = 86400000;
const FIRST_YEAR = 1;
const LAST_YEAR = 9999;

const PARTS = {
  year: (moment) => moment.year,
  month: (moment) => moment.month,
  day: (moment) => moment.day,
  weekday: (moment) => (((moment.ordinal + 3) % 7) + 7) % 7,
  hour: (moment) => moment.hour,
  dayofyear: (moment) => moment.ordinal - ordinalOf(moment.year, 1, 1) + 1,
  days: (moment) =>
    moment.ordinal + (moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6) / 86400,
};

/** Gives the asked parts; null for a text that is no date. A time with an offset is brought to UTC. */
export function dateParts(parts, text) {
  const moment = momentOf(text);
  return moment && parts.map((part) => PARTS[part](moment));
}

function momentOf(text) {
  if (text.length < 7) return null;
  const place = separatorOf(text);
  const day = dayOf(text.slice(0, place));
  if (day === null) return null;
  const skipped = [...text.slice(place)][0]?.length ?? 0;
  const rest = text.slice(place + skipped);
  const time = rest === "" ? { clock: [0, 0, 0, 0], offset: null } : timeOf(rest);
  if (time === null || time.clock[0] > 23 || time.clock[1] > 59 || time.clock[2] > 59) return null;
  return inUtc(day, time);
}

/** Finds where the date ends: with and without hyphens, as a calendar day or as a week. */
function separatorOf(text) {
  const digit = (place) => place < text.length && text[place] >= "0" && text[place] <= "9";
  if (text.length === 7) return 7;
  if (text[4] === "-") {
    if (text[5] !== "W") return 10;
    if (text[8] !== "-") return 8;
    return text.length > 10 && digit(10) ? 8 : 10;
  }
  if (text[4] !== "W") return 8;
  let place = 7;
  while (digit(place)) place += 1;
  if (place < 9) return place;
  return place % 2 === 0 ? 7 : 8;
}

function dayOf(text) {
  const calendar = /^(\d{4})(-?)(\d\d)\2(\d\d)$/.exec(text);
  if (calendar) {
    const [year, month, day] = [calendar[1], calendar[3], calendar[4]].map(Number);
    return isDay(year, month, day) ? ordinalOf(year, month, day) : null;
  }
  const week = /^(\d{4})(-?)W(\d\d)(?:\2(\d))?$/.exec(text);
  return week ? dayOfWeek(Number(week[1]), Number(week[3]), week[4] === undefined ? 1 : Number(week[4])) : null;
}

function dayOfWeek(year, week, day) {
  if (year < FIRST_YEAR || week < 1 || day < 1 || day > 7) return null;
  const monday = firstMonday(year);
  if (week > 53 || (week === 53 && firstMonday(year + 1) - monday < 53 * 7)) return null;
  const ordinal = monday + (week - 1) * 7 + day - 1;
  return inRange(ordinal) ? ordinal : null;
}

/** Gives the Monday of a year's first week: the one with the year's first Thursday. */
function firstMonday(year) {
  const first = ordinalOf(year, 1, 1);
  const weekday = (((first + 3) % 7) + 7) % 7;
  return first - weekday + (weekday > 3 ? 7 : 0);
}

const isDay = (year, month, day) =>
  year >= FIRST_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/** Counts days since 1970-01-01. */
function ordinalOf(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() / DAY_MS;
}

const inRange = (ordinal) => ordinal >= ordinalOf(FIRST_YEAR, 1, 1) && ordinal <= ordinalOf(LAST_YEAR, 12, 31);

function timeOf(text) {
  const place = text.search(/[+\-Z]/);
  if (place < 0) return withOffset(clockOf(text), null);
  const clock = clockOf(text.slice(0, place));
  const rest = text.slice(place + 1);
  if (text[place] === "Z") return rest === "" ? withOffset(clock, 0) : null;
  const offset = clockOf(rest);
  if (offset === null) return null;
  const micros = ((offset[0] * 60 + offset[1]) * 60 + offset[2]) * 1e6 + offset[3];
  return micros < 86400e6 ? withOffset(clock, text[place] === "-" ? -micros : micros) : null;
}

const withOffset = (clock, offset) => clock && { clock, offset };

/** Reads hours, minutes, seconds and microseconds; further digits are dropped. */
function clockOf(text) {
  const found = /^(\d\d)(?:(:?)(\d\d)(?:\2(\d\d)(?:[.,](\d+))?)?)?$/.exec(text);
  if (!found) return null;
  const micros = (found[5] ?? "").slice(0, 6).padEnd(6, "0");
  return [found[1], found[3] ?? "0", found[4] ?? "0", micros].map(Number);
}

function inUtc(ordinal, time) {
  const [hour, minute, second, microsecond] = time.clock;
  const within = ((hour * 60 + minute) * 60 + second) * 1e6 + microsecond - (time.offset ?? 0);
  const days = Math.floor(within / 86400e6);
  if (!inRange(ordinal + days)) return null;
  const micros = within - days * 86400e6;
  const date = new Date((ordinal + days) * DAY_MS);
  const seconds = Math.floor(micros / 1e6);
  return {
    ordinal: ordinal + days,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    microsecond: micros - seconds * 1e6,
  };
}
