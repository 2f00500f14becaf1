package verbs

import (
	"regexp"
	"strconv"
	"sync"

	"github.com/netclients/netclients/internal/cli/kit"
)

// portRange is a range in the place of a port, as a shell would write it or with a dash.
var portRange = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.*:)\{(\d{1,5})(?:-|\.\.)(\d{1,5})\}(/?)$`)
})

// eachPort puts the URLs of all ports in the place of one with a range: tcp://h:{1-100}.
func eachPort(urls []string) (all []string, err error) {
	for _, u := range urls {
		part := portRange().FindStringSubmatch(u)
		if part == nil {
			all = append(all, u)
			continue
		}
		first, _ := strconv.Atoi(part[2])
		last, _ := strconv.Atoi(part[3])
		if first < 1 || last > 65535 || first > last {
			return nil, kit.Usage("probe: {%s-%s} is not a range of ports from 1 to 65535", part[2], part[3])
		}
		for port := first; port <= last; port++ {
			all = append(all, part[1]+strconv.Itoa(port)+part[4])
		}
	}
	return all, nil
}
