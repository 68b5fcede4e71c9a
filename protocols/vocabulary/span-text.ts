const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000]
] as const

/** A time above 0, in milliseconds, as people read it, in the largest unit of which it is a multiple: `1 day`, `90 minutes`. */
export const spanText = (millis: number): string => {
  const [name, size] = UNITS.find(([, each]) => millis >= each && millis % each === 0) ?? ["millisecond", 1]
  const count = millis / size
  return `${count} ${name}${count === 1 ? "" : "s"}`
}
