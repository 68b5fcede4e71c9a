import type { Question } from "./language-model.ts"

/** The most tokens of one answer. */
export const OUTPUT_TOKENS_MAX = 1_500

/** Figures take more tokens than words: three characters are one at the least. */
const CHARACTERS_PER_TOKEN = 3
const [LEAST, MOST] = [8_192, 131_072]

/**
 * How many tokens a server has to keep in mind for a question and its answer (`num_ctx`): by steps that double, since one that is asked
 * with another number loads its model anew. Ollama's default, 4,096, is less than a conversation with a few tools takes, and what does
 * not fit is cut off at its front without a word.
 */
export const contextTokens = ({ instructions, messages, tools }: Question): number => {
  const characters = instructions.length + JSON.stringify([messages, tools]).length
  const needed = Math.ceil(characters / CHARACTERS_PER_TOKEN) + OUTPUT_TOKENS_MAX
  return Math.min(MOST, Math.max(LEAST, 2 ** Math.ceil(Math.log2(needed))))
}
