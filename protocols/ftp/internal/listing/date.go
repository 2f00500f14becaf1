package listing

import "strings"

// dateOrder says which part of a date in numbers is which.
type dateOrder struct{ y, m, d int }

var (
	orderMDY = dateOrder{y: 2, m: 0, d: 1}
	orderDMY = dateOrder{y: 2, m: 1, d: 0}
	orderYMD = dateOrder{y: 0, m: 1, d: 2}
)

// dateOrders lists for each separator the orders in which servers write, the
// likeliest first.
var dateOrders = map[byte][]dateOrder{
	'-': {orderMDY, orderDMY, orderYMD},
	'/': {orderMDY, orderDMY, orderYMD},
	'.': {orderDMY, orderYMD, orderMDY},
}

// numericDate reads "11-22-24", "22.11.2024", "2024/11/22" and the like. Where
// more than one order fits, it takes the one that an earlier line of the listing
// proved, else the likeliest that does not lie in the future.
func (c *listContext) numericDate(tok string) (y, m, d int, ok bool) {
	if !dateShaped(tok) {
		return 0, 0, 0, false
	}
	sep := tok[strings.IndexAny(tok, "-/.")]
	part, ok := dateParts(tok, sep)
	if !ok {
		return 0, 0, 0, false
	}
	fits := c.fittingOrders(part, dateOrders[sep])
	if len(fits) == 0 {
		return 0, 0, 0, false
	}
	best := c.bestOrder(part, fits)
	if len(fits) == 1 {
		c.order, c.ordered = best, true
	}
	y, m, d = best.read(part)
	return y, m, d, true
}

// datePart is one number of a date, and how many digits it had.
type datePart struct{ n, width int }

func dateShaped(tok string) bool {
	return len(tok) >= 6 && len(tok) <= 10 && isDigit(tok[0]) && strings.IndexAny(tok, "-/.") > 0
}

func dateParts(tok string, sep byte) (part [3]datePart, ok bool) {
	for i := range part {
		n, rest := leadingInt(tok)
		part[i] = datePart{n, len(tok) - len(rest)}
		if n < 0 || part[i].width > 4 || part[i].width == 3 {
			return part, false
		}
		if i < 2 && (rest == "" || rest[0] != sep) || i == 2 && rest != "" {
			return part, false
		}
		if i < 2 {
			tok = rest[1:]
		}
	}
	return part, true
}

func (o dateOrder) read(part [3]datePart) (y, m, d int) {
	y = part[o.y].n
	if part[o.y].width < 4 {
		y = fullYear(y)
	}
	return y, part[o.m].n, part[o.d].n
}

func (c *listContext) fittingOrders(part [3]datePart, orders []dateOrder) []dateOrder {
	fits := make([]dateOrder, 0, 3)
	for _, o := range orders {
		if part[o.m].width > 2 || part[o.d].width > 2 || part[o.y].width < 2 {
			continue
		}
		if validDate(o.read(part)) {
			fits = append(fits, o)
		}
	}
	return fits
}

func (c *listContext) bestOrder(part [3]datePart, fits []dateOrder) dateOrder {
	for _, o := range fits {
		if c.ordered && o == c.order {
			return o
		}
	}
	for _, o := range fits {
		if !c.on(o.read(part)).t.After(c.limit) {
			return o
		}
	}
	return fits[0]
}

// fullYear completes a year of two digits: 70 to 99 lie in the 20th century.
func fullYear(y int) int {
	if y < 70 {
		return 2000 + y
	}
	return 1900 + y
}

// namedDate reads "22-NOV-2024", "22-Nov-24" and "Nov-22-2024".
func namedDate(tok string) (y, m, d int, ok bool) {
	a, rest, _ := strings.Cut(tok, "-")
	b, last, _ := strings.Cut(rest, "-")
	if isDigits(b) {
		a, b = b, a
	}
	month, _ := monthField(b)
	d, okDay := dayField(a)
	if month == 0 || !okDay || !isDigits(last) || len(last) != 2 && len(last) != 4 {
		return 0, 0, 0, false
	}
	y, _ = leadingInt(last)
	if len(last) == 2 {
		y = fullYear(y)
	}
	return y, int(month), d, validDate(y, int(month), d)
}

// dateTime reads a date in numbers and a 12 or 24 hour clock from field i on,
// and returns the index of the field after them.
func (c *listContext) dateTime(l *listLine, i int) (s stamp, next int, ok bool) {
	if !dateShaped(l.at(i)) {
		return s, 0, false
	}
	k, fields, ok := clock12(l.at(i+1), l.at(i+2))
	if !ok {
		return s, 0, false
	}
	y, m, d, ok := c.numericDate(l.at(i))
	if !ok {
		return s, 0, false
	}
	return c.at(y, m, d, k), i + 1 + fields, true
}
