#!/bin/sh
exec /usr/lib/sallyport/node /usr/lib/sallyport/bin/sallyport.js "$@"
