export type Person = { email: string; password: string }

/** Who has an account at both banks when the demonstration begins. */
export const ada: Person = { email: 'ada@example.com', password: 'seven dull green boats' }
export const mallory: Person = { email: 'mallory@example.com', password: 'a fox in borrowed feathers' }
