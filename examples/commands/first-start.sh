export COUNTERFOIL_ISSUER=https://auth.example
export COUNTERFOIL_DATA=/var/lib/counterfoil
export COUNTERFOIL_SMTP='smtps://user:password@mail.example'
export COUNTERFOIL_MAIL_FROM='no-reply@auth.example'

counterfoil init       # the data folder and two root secrets, for their owner alone; replaces nothing
counterfoil migrate    # brings the database up to date
counterfoil doctor     # looks at all that a start depends on; changes nothing; exit code 1 if something is wrong
counterfoil serve
