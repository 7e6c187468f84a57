"""All faults of the suite, in the order of the page: importing it registers them."""

import faults_of_files  # noqa: F401
import faults_of_hostile_files  # noqa: F401
import faults_of_image_sets  # noqa: F401
import faults_of_input  # noqa: F401
import faults_of_numbers  # noqa: F401
import faults_of_places  # noqa: F401
import faults_of_processes  # noqa: F401
import faults_of_surroundings  # noqa: F401
