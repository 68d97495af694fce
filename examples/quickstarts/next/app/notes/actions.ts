'use server'

import { revalidatePath } from 'next/cache'
import { action } from '../counterfoil'
import { keep } from '../notes'

/** A server action: a POST like any other, so it is guarded, and its caller is somebody. */
export const addNote = action({}, async ({ account }, form: FormData) => {
  keep(account.id, String(form.get('note')))
  revalidatePath('/')
})
