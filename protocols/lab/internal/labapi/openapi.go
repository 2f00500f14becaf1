package labapi

import "strings"

// call is a row of the OpenAPI document.
type call struct {
	pattern string // method and path
	about   string
	query   []string // names of the parameters of the query
	body    string   // the form of the body, in words
	answer  string   // type of the answer
}

// calls describes the interface.
var calls = []call{
	{"GET /api/v1/info", "Counts, and what runs", nil, "", "application/json"},
	{"GET /api/v1/webui", "What the page may offer", nil, "", "application/json"},
	{"GET /api/v1/messages", "Messages, the newest first", []string{"start", "limit"}, "", "application/json"},
	{"PUT /api/v1/messages", "Marks messages as read or not; without IDs all", []string{"tz"}, `{"Read": true, "IDs": [], "Search": ""}`, "text/plain"},
	{"DELETE /api/v1/messages", "Deletes messages; without IDs all", nil, `{"IDs": []}`, "text/plain"},
	{"GET /api/v1/search", "Messages that fit a query", []string{"query", "start", "limit", "tz"}, "", "application/json"},
	{"DELETE /api/v1/search", "Deletes the messages that fit a query", []string{"query", "tz"}, "", "text/plain"},
	{"GET /api/v1/message/{id}", "A message, which is read then; latest is the newest one", nil, "", "application/json"},
	{"GET /api/v1/message/{id}/headers", "The fields of its header", nil, "", "application/json"},
	{"GET /api/v1/message/{id}/raw", "The message as it was received", []string{"dl"}, "", "text/plain"},
	{"GET /api/v1/message/{id}/part/{part}", "A part of it, decoded", []string{"dl"}, "", "application/octet-stream"},
	{"GET /api/v1/message/{id}/part/{part}/thumb", "The same: pictures are not made smaller", nil, "", "image/*"},
	{"POST /api/v1/message/{id}/release", "Sends it on with the relay", nil, `{"To": ["address"]}`, "text/plain"},
	{"GET /api/v1/message/{id}/html-check", "What of its HTML mail programs show", nil, "", "application/json"},
	{"GET /api/v1/message/{id}/link-check", "Asks for its links to this machine; others are not contacted", []string{"follow"}, "", "application/json"},
	{"GET /api/v1/message/{id}/sa-check", "400: there is no SpamAssassin", nil, "", "text/plain"},
	{"GET /api/v1/chaos", "How often senders, recipients and logins are refused", nil, "", "application/json"},
	{"PUT /api/v1/chaos", "Sets that: faults of the servers for SMTP", nil, `{"Sender": {"ErrorCode": 451, "Probability": 5}, "Recipient": {}, "Authentication": {}}`, "application/json"},
	{"POST /api/v1/send", "Makes a message and takes it", nil, `{"From": {"Email": ""}, "To": [{"Email": ""}], "Subject": "", "Text": "", "HTML": ""}`, "application/json"},
	{"GET /api/v1/tags", "All tags", nil, "", "application/json"},
	{"PUT /api/v1/tags", "Sets the tags of messages", nil, `{"Tags": [], "IDs": []}`, "text/plain"},
	{"PUT /api/v1/tags/{tag}", "Renames a tag", nil, `{"Name": ""}`, "text/plain"},
	{"DELETE /api/v1/tags/{tag}", "Takes a tag off all messages", nil, "", "text/plain"},
	{"GET /view/{file}", "ID.html or ID.txt: what a person would read", nil, "", "text/html"},
	{"GET /api/v2/messages", "Messages in the form of MailHog", []string{"start", "limit"}, "", "application/json"},
	{"GET /api/v2/search", "Search in the form of MailHog", []string{"kind", "query", "start", "limit"}, "", "application/json"},
	{"GET /api/v1/messages/{id}", "A message in the form of MailHog", nil, "", "application/json"},
	{"DELETE /api/v1/messages/{id}", "Deletes a message", nil, "", "text/plain"},
	{"GET /api/wait", "Waits for mail; 408 when none fits in time", []string{"to", "from", "subject", "body", "query", "timeout"}, "", "application/json"},
	{"GET /api/wait/{kind}", "Waits: mail, files (path, protocol), posts (group, subject, from), requests (method, path, body)", []string{"timeout", "path", "protocol", "group", "subject", "from", "method", "body"}, "", "application/json"},
	{"GET /api/servers", "The servers that run, with their logins", nil, "", "application/json"},
	{"GET /api/faults", "The faults of each server", nil, "", "application/json"},
	{"PUT /api/faults", "Replaces faults; * is every server, an empty text none", nil, `{"faults": {"smtp": "code:RCPT=450 later"}}`, "application/json"},
	{"GET /api/ca", "The certificate of the authority, PEM", nil, "", "application/x-pem-file"},
	{"GET /api/files", "Files that were stored", nil, "", "application/json"},
	{"GET /api/files/{id}", "The content of one", []string{"as"}, "", "application/octet-stream"},
	{"DELETE /api/files/{id}", "Deletes one", nil, "", "text/plain"},
	{"GET /api/posts", "Articles that were posted", nil, "", "application/json"},
	{"GET /api/posts/{id}", "One of them, by its message-id", nil, "", "text/plain"},
	{"DELETE /api/posts/{id}", "Cancels one", nil, "", "text/plain"},
	{"GET /api/requests", "HTTP requests that were received", nil, "", "application/json"},
	{"GET /api/requests/{id}", "One of them, with its body", nil, "", "application/json"},
	{"DELETE /api/requests/{id}", "Forgets one", nil, "", "text/plain"},
	{"GET /api/talks", "Conversations, the newest first", nil, "", "application/json"},
	{"GET /api/talks/{id}", "The steps of one", nil, "", "application/json"},
	{"DELETE /api/talks", "Forgets those that have ended", nil, "", "text/plain"},
	{"GET /api/events", "Server-sent events of all that comes (on the page's address); as a web socket Mailpit's notices of mail", nil, "", "text/event-stream"},
}

// openAPI returns the document.
func openAPI(version string) map[string]any {
	paths := map[string]map[string]any{}
	for _, c := range calls {
		method, path, _ := strings.Cut(c.pattern, " ")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(method)] = c.operation(path)
	}
	if version == "" {
		version = "1"
	}
	return map[string]any{
		"openapi": "3.0.3",
		"info":    map[string]any{"title": "netclients lab", "version": version, "description": "What the lab's servers received, and their faults. The paths of /api/v1 are those of Mailpit, those of /api/v2 MailHog's."},
		"paths":   paths,
	}
}

func (c call) operation(path string) map[string]any {
	parameters := []any{}
	add := func(in, name string) {
		parameters = append(parameters, map[string]any{"name": name, "in": in, "required": in == "path", "schema": map[string]any{"type": "string"}})
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			add("path", strings.TrimSuffix(name, "}"))
		}
	}
	for _, name := range c.query {
		add("query", name)
	}
	op := map[string]any{
		"summary": c.about, "parameters": parameters,
		"responses": map[string]any{
			"200":     map[string]any{"description": "done", "content": map[string]any{c.answer: map[string]any{}}},
			"default": map[string]any{"description": "an error, in words", "content": map[string]any{"text/plain": map[string]any{}}},
		},
	}
	if c.body != "" {
		op["requestBody"] = map[string]any{"description": c.body, "content": map[string]any{"application/json": map[string]any{}}}
	}
	return op
}
