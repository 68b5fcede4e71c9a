/** The environment of a program that this process starts, with values for what is not set in it. */
export const environmentWith = (defaults: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...defaults,
  ...process.env
})
