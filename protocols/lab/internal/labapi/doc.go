// Package labapi is the REST interface of the lab: what Mailpit's API v1 and MailHog's
// API v2 have, so that tests which were written for those run unchanged, and calls of
// its own that wait for mail, files, articles and requests, and that switch faults on
// and off. GET /api returns the OpenAPI document. The package implements no RFC.
package labapi
