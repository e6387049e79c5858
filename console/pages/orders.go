package pages

import (
	"fmt"

	"github.com/assaylab/assay"
)

// order is what a person may have a rollout do.
type order struct {
	Order string // as the API takes it
	Name  string // of its button
	Ask   string
	Then  string // what it comes to for clients
}

// Orders are those that make sense now.
func (v rolloutView) Orders() []order {
	switch v.Stage {
	case assay.StageShadow:
		return []order{v.promote()}
	case assay.StageCanary:
		return []order{v.pause(), v.rollBack(), v.promote()}
	case assay.StagePaused:
		return []order{v.resume(), v.rollBack(), v.promote()}
	case assay.StagePromoted:
		return []order{v.rollBack()}
	default:
		return []order{v.beginAnew(), v.promote()}
	}
}

func (v rolloutView) pause() order {
	return order{
		"pause", "Pause", "Pause the rollout?",
		fmt.Sprintf("%s goes on serving %s of the requests, no more and no fewer, until somebody resumes it. If it is refuted, it is rolled back all the same.", v.Label, percent(v.Weight)),
	}
}

func (v rolloutView) resume() order {
	return order{
		"resume", "Resume", "Resume the rollout?",
		fmt.Sprintf("%s goes on serving %s of the requests, and takes the next step once it did well at this one, which is counted anew.", v.Label, percent(v.Weight)),
	}
}

func (v rolloutView) beginAnew() order {
	return order{
		"resume", "Begin anew", "Begin the rollout anew?",
		fmt.Sprintf("Clients notice nothing at first: %s is called aside, and serves its first share once it holds.", v.Label),
	}
}

func (v rolloutView) rollBack() order {
	return order{
		"rollback", "Roll back", fmt.Sprintf("Roll %s back?", v.Label),
		fmt.Sprintf("The control serves every request again, at once. %s, which serves %s now, serves none until somebody says so.", v.Label, percent(v.Weight)),
	}
}

func (v rolloutView) promote() order {
	return order{
		"promote", "Promote", fmt.Sprintf("Promote %s?", v.Label),
		fmt.Sprintf("%s serves every request from now on, whatever is known of it: it serves %s now, and the steps in between are left out. The control serves none until it is rolled back.", v.Label, percent(v.Weight)),
	}
}
