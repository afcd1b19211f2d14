"""What is done to a step's PSet before cmsRun: planned in the job's python, run in one python of the release."""
