/**
 * The door of the browser's side: signing in, carrying and refreshing a session, and keys that script cannot copy
 * out. Nothing of it is written yet, so this module can be imported and exports nothing.
 */
export {}
