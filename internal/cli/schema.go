package cli

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/netclients/netclients/internal/cli/discovercmd"
	"github.com/netclients/netclients/internal/cli/doctorcmd"
	"github.com/netclients/netclients/internal/cli/gophercmd"
	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/imapcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/labcmd"
	"github.com/netclients/netclients/internal/cli/logincmd"
	"github.com/netclients/netclients/internal/cli/nntpcmd"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/tracecmd"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
)

// printedBy are the verbs and commands that print each kind of object.
var printedBy = map[string]string{
	"entry":     "ls find stat search over sort thread folders lsub select status groups newgroups uidl attachments idle",
	"transfer":  "get put cp sync mirror fetch append",
	"planned":   "rm mv",
	"sent":      "send post flush",
	"caps":      "caps features options",
	"raw":       "raw verify etrn help",
	"probe":     "probe",
	"checksum":  "checksum",
	"step":      "run",
	"doctor":    "doctor",
	"response":  "request patch post options head delete",
	"field":     "hdr",
	"login":     "login",
	"account":   "discover",
	"version":   "version",
	"host":      "hostname",
	"found":     "lookup",
	"profile":   "profiles",
	"size":      "size",
	"folder":    "pwd",
	"number":    "listgroup",
	"date":      "date",
	"recent":    "recent",
	"greeting":  "banner",
	"robots":    "robots",
	"method":    "methods signature help",
	"called":    "multicall",
	"value":     "call decode",
	"right":     "acl",
	"own":       "myrights",
	"pairs":     "id metadata",
	"cookie":    "cookies",
	"urlTool":   "url",
	"place":     "pwd", // of the shell
	"articleID": "newnews",
	"line":      "list help",
	"space":     "namespace",
	"quota":     "quota",
	"attribute": "attributes",
	"server":    "lab",
	"tour":      "tour",
	"talk":      "connect recv listen forward open",
	"protocol":  "protocols",
	"event":     "show",
	"change":    "diff",
	"replay":    "replay",
}

// silent are the verbs that print nothing on standard output with --json, or no JSON.
const silent = "flag expunge subscribe unsubscribe check chmod mkdir rmdir logout encode"

// printed returns the types of the objects that a verb or command prints.
func printed(verb string) []any {
	own := shapes()
	for _, more := range []map[string][]any{verbs.Printed(), doctorcmd.Printed(), httpcmd.Printed(), nntpcmd.Printed(), logincmd.Printed(), tracecmd.Printed(), imapcmd.Printed(), gophercmd.Printed(), labcmd.Printed(), discovercmd.Printed()} {
		maps.Copy(own, more)
	}
	var all []any
	for _, object := range slices.Sorted(maps.Keys(printedBy)) {
		if slices.Contains(strings.Fields(printedBy[object]), verb) {
			all = append(all, own[object]...)
		}
	}
	return all
}

// schemaVerbs are the verbs with a schema.
func schemaVerbs() []string {
	var all []string
	for _, list := range printedBy {
		all = append(all, strings.Fields(list)...)
	}
	all = append(all, strings.Fields(silent)...)
	slices.Sort(all)
	return slices.Compact(all)
}

// schemaOf makes the JSON Schema of the lines that a verb prints with --json, from their
// types; nil where it has none.
func schemaOf(verb string) (*jsonschema.Schema, error) {
	var forms []*jsonschema.Schema
	for _, v := range printed(verb) {
		form, err := formOf(reflect.TypeOf(v))
		if err != nil {
			return nil, err
		}
		forms = append(forms, form)
	}
	var s *jsonschema.Schema
	switch len(forms) {
	case 0:
		if !slices.Contains(strings.Fields(silent), verb) {
			return nil, nil
		}
		s = &jsonschema.Schema{Not: &jsonschema.Schema{}, Description: verb + " prints no JSON"}
	case 1:
		s = forms[0]
	default:
		s = &jsonschema.Schema{AnyOf: forms}
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "a line of netclients "+verb+" --json"
	return s, nil
}

// formOf makes the schema of the objects of a type; any value is as its own says.
func formOf(t reflect.Type) (*jsonschema.Schema, error) {
	if t == reflect.TypeFor[anyValue]() {
		return &jsonschema.Schema{Description: "any JSON value: what the server returned"}, nil
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{})
	if err == nil && t.Kind() == reflect.Struct {
		s.Required = slices.DeleteFunc(s.Required, func(key string) bool { return slices.Contains(perhaps(t), key) })
	}
	return s, err
}

// perhaps are the keys of structs that are embedded by pointer, which may be nil: none of
// them is there then.
func perhaps(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous || f.Type.Kind() != reflect.Pointer {
			continue
		}
		for j := range f.Type.Elem().NumField() {
			key, _, _ := strings.Cut(f.Type.Elem().Field(j).Tag.Get("json"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}

// schemaCommand makes `netclients schema`.
func schemaCommand() *kit.Command {
	return &kit.Command{
		Name: "schema", Args: "[VERB]", Short: "JSON Schema of the lines that a verb prints with --json", Words: schemaVerbs(),
		Example: "  netclients schema ls\n  netclients schema --jq 'keys[]'", Run: printSchema,
	}
}

func printSchema(_ context.Context, e *kit.Env, args []string) error {
	if len(args) == 1 {
		s, err := schemaOf(args[0])
		if err != nil {
			return err
		}
		if s == nil {
			return protocols.UsageError("", "schema", "there is no schema of "+args[0]+didYouMean(args[0], schemaVerbs())+"; there are "+strings.Join(schemaVerbs(), ", "))
		}
		return e.Out.Record(s, func() string { return indented(s) })
	}
	all := map[string]*jsonschema.Schema{}
	for _, verb := range schemaVerbs() {
		s, err := schemaOf(verb)
		if err != nil {
			return err
		}
		all[verb] = s
	}
	return e.Out.Record(all, func() string { return indented(all) })
}

func indented(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return show.SafeLines(string(b))
}
