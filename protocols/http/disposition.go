package http

import (
	"mime"
	"strings"
	"unicode/utf8"
)

// dispositionName returns the file name of Content-Disposition (RFC 6266): its last
// component, or nothing when there is none that is safe. filename* is stronger.
func dispositionName(header string) string {
	if header == "" || len(header) > 16<<10 {
		return ""
	}
	if !strings.Contains(header[:min(len(header), strings.IndexByte(header+"=", '='))], ";") {
		header = "attachment; " + header // "filename=x" alone is seen too
	}
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return safeBase(params["filename"])
}

// safeBase returns the last component of a name that came from a server, or
// nothing when that is not a name of a file.
func safeBase(name string) string {
	if !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\r\n") {
		return ""
	}
	name = strings.TrimSpace(name[strings.LastIndexAny(name, `/\`)+1:])
	if name == "." || name == ".." {
		return ""
	}
	return name
}
