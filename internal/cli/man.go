package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
)

// man writes a page for each command and each topic.
func writeManPages(a *app, e *kit.Env, args []string) error {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	write := func(name, page string) error {
		e.Out.Detail(name)
		return os.WriteFile(filepath.Join(args[0], name), []byte(page), 0o644)
	}
	for _, t := range topics() {
		name := "netclients-help-" + t.name
		page := manHead(name, t.short) + manText("DESCRIPTION", t.text(a)) + manSeeAlso("netclients")
		if err := write(name+".1", page); err != nil {
			return err
		}
	}
	return manPages(a, a.root, write)
}

func manPages(a *app, cmd *cobra.Command, write func(name, page string) error) error {
	for _, c := range cmd.Commands() {
		if c.Hidden {
			continue
		}
		if err := manPages(a, c, write); err != nil {
			return err
		}
	}
	return write(manName(cmd)+".1", manPage(a, cmd))
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the page of one command.
func manPage(a *app, cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(manHead(manName(cmd), cmd.Short) + ".SH SYNOPSIS\n")
	if !cmd.HasParent() {
		b.WriteString(".B netclients\n\\fIVERB\\fR [\\fIflags\\fR] \\fIURL\\fR [\\fIARG\\fR...]\n.br\n.B netclients\n\\fIPROTOCOL VERB\\fR [\\fIflags\\fR] \\fITARGET\\fR [\\fIARG\\fR...]\n")
	} else {
		line := cmd.UseLine()
		fmt.Fprintf(&b, ".B %s\n%s\n", roff(cmd.CommandPath()), roff(strings.TrimSpace(strings.TrimPrefix(line, cmd.CommandPath()))))
	}
	if cmd.Long != "" {
		b.WriteString(manText("DESCRIPTION", cmd.Long))
	}
	own := cmd.NonInheritedFlags()
	b.WriteString(manFlags("OPTIONS", own))
	if !cmd.HasParent() {
		b.WriteString(manRoot())
	}
	if cmd.Example != "" {
		b.WriteString(manText("EXAMPLES", cmd.Example))
	}
	return b.String() + manSeeAlso(relatedPages(cmd)...)
}

// related are the pages that a page refers to.
func relatedPages(cmd *cobra.Command) (names []string) {
	if cmd.HasParent() {
		names = append(names, manName(cmd.Parent()))
	}
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, manName(c))
		}
	}
	for _, t := range []string{"flags", "urls", "login", "exit"} {
		names = append(names, "netclients-help-"+t)
	}
	return names
}

// manRoot are the parts that only netclients(1) has.
func manRoot() string {
	return manText("EXIT STATUS", exitPage()) +
		manText("ENVIRONMENT", strings.TrimPrefix(environmentText, "Environment:\n")) +
		manText("FILES", filesText) +
		manText("EXAMPLES", firstExamples)
}

// filesText are the files that the program reads and keeps.
const filesText = `  ~/.config/netclients/config.toml     profiles: netclients help config
  ~/.netrc                             logins: netclients help login
  ~/.local/state/netclients/           what syncs and searches remember
  NAME.ncpart, NAME.ncpart.json        a transfer that was interrupted, for --continue
`

// firstExamples are those of the first screen.
const firstExamples = `  netclients ls -l ftp://ftp.example.org/pub/
  netclients get https://www.example.org/file.iso
  netclients sync imaps://ann@mail.example.org/INBOX maildir:Mail
  netclients smtp send mail.example.org --subject Hi bob@example.org
`

func manHead(name, short string) string {
	return fmt.Sprintf(".TH %q 1 \"\" netclients \"netclients manual\"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), roff(name), roff(short))
}

// manText writes a section with its lines as they stand.
func manText(title, text string) string {
	return ".SH " + title + "\n.nf\n" + roff(strings.Trim(text, "\n")) + "\n.fi\n"
}

func manFlags(title string, fs *pflag.FlagSet) string {
	var b strings.Builder
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" { // which all have, some only once they were asked
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", roff(name))
		if value != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", roff(value))
		}
		b.WriteString("\n" + roff(usage) + "\n")
	})
	if b.Len() == 0 {
		return ""
	}
	return ".SH " + title + "\n" + b.String()
}

func manSeeAlso(names ...string) string {
	for i, n := range names {
		names[i] = "\\fB" + roff(n) + "\\fR(1)"
	}
	return ".SH SEE ALSO\n" + strings.Join(names, ",\n") + "\n"
}

// roff escapes a text for troff.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
