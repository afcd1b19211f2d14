"""cmsRun's job report: a model of it, and readers that get out of a damaged one what is whole."""
