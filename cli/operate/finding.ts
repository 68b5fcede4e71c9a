/** Something that was looked at. */
export interface Finding {
  readonly area: "settings" | "machine" | "server" | "system"
  /** `bad`: what is asked of the command will not work; `warning`: it works, and somebody should look. */
  readonly level: "good" | "warning" | "bad"
  readonly text: string
  /** What to do about it, where it is not good. */
  readonly remedy?: string
}

const finder = (level: Finding["level"]) => (area: Finding["area"], text: string, remedy?: string) =>
  remedy === undefined ? { area, level, text } : { area, level, text, remedy }

export const good: (area: Finding["area"], text: string) => Finding = finder("good")
export const warning: (area: Finding["area"], text: string, remedy: string) => Finding = finder("warning")
export const bad: (area: Finding["area"], text: string, remedy: string) => Finding = finder("bad")
