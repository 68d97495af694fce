sudo nginx -e stderr -p "$PWD" -c nginx.conf -g 'daemon off; pid nginx.pid;'
