package textlab

import (
	"fmt"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
)

// plus answers a Gopher+ request: "!" for attributes, "$" for those of all items
// of a menu, "+" and a view for content.
func (x *gopherSession) plus(selector, request string) {
	if !x.srv.opt.Plus {
		x.item(selector + "\t" + request) // a plain server takes it all for the selector
		return
	}
	if strings.HasSuffix(request, "\t1") {
		x.asked()
		return
	}
	info, err := x.srv.tree.Stat(selector)
	if err != nil {
		x.line("--1")
		x.line("1 Admin <admin@lab.localhost>")
		x.line(fmt.Sprintf("'%s' does not exist", selector))
		x.dot()
		return
	}
	switch view := request[1:]; {
	case request[0] == '!':
		x.line("+-1")
		x.attributes(selector, info)
		x.line(".")
	case request[0] == '$':
		x.line("+-1")
		list, _ := x.srv.tree.ReadDir(selector)
		for _, i := range list {
			name := strings.TrimSuffix(selector, "/") + "/" + i.Name
			if full, err := x.srv.tree.Stat(name); err == nil {
				x.attributes(name, full)
			}
		}
		x.line(".")
	case info.IsDir():
		x.line("+-1")
		x.menu(selector)
	case view != "" && !strings.HasPrefix(strings.ToLower(view), strings.ToLower(x.view(selector, info))):
		x.line("--1")
		x.line("1 Admin <admin@lab.localhost>")
		x.line("no such view")
		x.dot()
	default:
		x.line(fmt.Sprintf("+%d", info.Size))
		x.binary(selector)
	}
}

// asked reads the answers to a form, whatever the item, and echoes them.
func (x *gopherSession) asked() {
	line, err := x.next()
	if err != nil || line != "+-1" {
		x.line("--1")
		x.line("1 Admin <admin@lab.localhost>")
		x.line("want answers after +-1")
		x.dot()
		return
	}
	x.line("+-1")
	for n := 1; n <= mostFound; n++ {
		if line, err = x.next(); err != nil || line == "." {
			break
		}
		x.line(fmt.Sprintf("%d: %s", n, strings.TrimPrefix(line, ".")))
	}
	x.line(".")
}

// view names the one form that an item has.
func (x *gopherSession) view(name string, i base.Info) string {
	switch x.srv.typeOf(name, i) {
	case '1':
		return "application/gopher+-menu"
	case '0':
		return "Text/plain"
	}
	return "application/octet-stream"
}

// attributes sends INFO, ADMIN and VIEWS of an item.
func (x *gopherSession) attributes(name string, i base.Info) {
	if line, ok := x.entryLine(i.Name, name); ok {
		x.line("+INFO: " + line)
	}
	x.line("+ADMIN:")
	x.line(" Admin: Lab <admin@lab.localhost>")
	x.line(" Mod-Date: " + i.ModTime.UTC().Format("Mon Jan 2 15:04:05 2006 <20060102150405>"))
	x.line("+VIEWS:")
	x.line(fmt.Sprintf(" %s En_US: <%d>", x.view(name, i), i.Size))
}
