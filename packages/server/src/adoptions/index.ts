export { type Adoptions, createAdoptions } from './operations.ts'
export { adoptionRoutes, asAdoption } from './routes.ts'
